// #region quickstart
import { localFile, run, SandboxAgent } from '@ringfence/harness'
import { openai } from '@ringfence/model-openai'
import { local } from '@ringfence/provider-local'

const agent = new SandboxAgent({
  name: 'Analyst',
  model: openai('gpt-5.5'),
  instructions: 'Answer from the files of the workspace. Show the commands you ran.',
  manifest: { entries: { 'churn.csv': localFile('data/churn.csv') } },
})
const result = await run(agent, 'Which region lost most customers?', { sandbox: local() })
console.log(result.finalOutput)
// #endregion
