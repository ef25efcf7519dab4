/** A tree as text, told by tools of the image: paths, types, modes, link targets and content. */
export const TREE = `find . -mindepth 1 | LC_ALL=C sort | while IFS= read -r p; do if [ -L "$p" ]; then echo "L $p -> $(readlink "$p")"; elif [ -d "$p" ]; then echo "D $p $(stat -c %a "$p")"; else echo "F $p $(stat -c %a "$p") $(sha256sum < "$p")"; fi; done`

/** Makes a tree of what is easily lost. */
export const ODD_TREE = `mkdir -p a/b empty 'with space'; echo one > a/one; printf '\\001\\377\\000' > a/b/bin; chmod 755 a/one; ln -s a/one link; ln -s nowhere dangling; ln -s ../a a/up
echo x > "two
lines"; echo y > -dash; echo z > "$(printf 'latin\\351')"; chmod 700 empty; : > 'with space/none'`
