/**
 * Suffixes of more than one label under which unrelated people have names: the common country ones and the large
 * hosting ones of the Public Suffix List (publicsuffix.org). Every single label is a suffix as well.
 */
const SUFFIXES: ReadonlySet<string> = new Set(
  `ac.at co.at gv.at or.at com.au net.au org.au edu.au gov.au id.au com.br net.br org.br gov.br com.cn net.cn org.cn
  gov.cn edu.cn com.hk org.hk co.id or.id co.il org.il ac.il co.in net.in org.in firm.in gen.in ind.in co.jp ne.jp or.jp
  ac.jp go.jp ad.jp ed.jp gr.jp lg.jp co.ke co.kr ne.kr or.kr re.kr com.mx org.mx gob.mx com.my co.nz net.nz org.nz
  govt.nz ac.nz com.pl net.pl org.pl com.ru com.sg com.tr com.tw org.tw co.uk org.uk me.uk ltd.uk plc.uk net.uk sch.uk
  ac.uk gov.uk nhs.uk co.za org.za com.ar com.co com.ua com.vn com.ph com.pk com.eg com.sa com.ng com.pe com.ve com.ec
  amazonaws.com s3.amazonaws.com elb.amazonaws.com compute.amazonaws.com cloudfront.net azurewebsites.net azureedge.net
  azurefd.net blob.core.windows.net cloudapp.net cloudapp.azure.com appspot.com run.app web.app firebaseapp.com
  cloudfunctions.net githubusercontent.com github.io gitlab.io herokuapp.com netlify.app vercel.app now.sh pages.dev
  workers.dev r2.dev fly.dev onrender.com railway.app deno.dev ngrok.io ngrok.app ngrok-free.app trycloudflare.com
  blogspot.com wordpress.com myshopify.com readthedocs.io surge.sh glitch.me repl.co replit.app replit.dev e2b.app
  modal.run modal.host hf.space`.split(/\s+/),
)

/** Tells whether anyone may register a name below this one. */
export function isPublicSuffix(name: string): boolean {
  return !name.includes('.') || SUFFIXES.has(name)
}
