/**
 * Works in bash 3.2, which macOS has, and without bash-completion. Words are passed on as they stand, quotes included, and
 * never evaluated. bash takes `=` and `:` for the ends of words: what they tore apart is joined again.
 */
export const BASH = `# bash completion for flashsloth
_flashsloth() {
  local current="\${COMP_WORDS[COMP_CWORD]}" joined="" kind=none line i
  local -a words=() found=()
  for ((i = 1; i <= COMP_CWORD; i++)); do
    line="\${COMP_WORDS[i]}"
    if [[ \${#words[@]} -gt 0 && ( "$line" == [=:] || "$joined" == yes ) ]]; then
      words[\${#words[@]} - 1]+="$line"
    else
      words+=("$line")
    fi
    [[ "$line" == [=:] ]] && joined=yes || joined=""
  done
  [[ "$current" == [=:] ]] && current=""
  while IFS= read -r line; do
    case "$line" in
      files | folders | none) kind="$line" ;;
      *) found+=("$line") ;;
    esac
  done < <(flashsloth complete bash -- "\${words[@]}" 2>/dev/null)
  COMPREPLY=("\${found[@]}")
  if [[ "$kind" == none ]]; then
    compopt +o default +o bashdefault 2>/dev/null
  elif [[ "$kind" == folders || \${#found[@]} -gt 0 ]]; then
    compopt -o filenames 2>/dev/null
    [[ "$kind" == folders ]] && line=-d || line=-f
    while IFS= read -r i; do COMPREPLY+=("$i"); done < <(compgen "$line" -- "$current")
  fi
}
complete -o bashdefault -o default -F _flashsloth flashsloth
`;
