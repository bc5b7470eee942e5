/** What fish reads from its folder of completions, or from `source`. */
export const FISH = `# fish completion for flashsloth
function __flashsloth_complete
  set -l typed (commandline -opc)
  set -l current (commandline -ct)
  set -l lines (flashsloth complete fish -- $typed[2..-1] "$current" 2>/dev/null)
  test (count $lines) -gt 1; and printf '%s\\n' $lines[1..-2]
  set -l prefix (string match -r -- '^--[^=]*=' "$current"; or echo '')
  set -l path (string replace -r -- '^--[^=]*=' '' "$current")
  set -l paths
  switch "$lines[-1]"
    case files
      set paths (__fish_complete_path "$path")
    case folders
      set paths (__fish_complete_directories "$path" '')
  end
  test (count $paths) -gt 0; and printf '%s\\n' $prefix$paths
end
complete -c flashsloth -f -a '(__flashsloth_complete)'
`;
