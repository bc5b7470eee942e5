/** Works evaluated in `.zshrc` as well as from a file in `fpath`. */
export const ZSH = `#compdef flashsloth
_flashsloth() {
  local -a found
  local kind=none line
  while IFS= read -r line; do
    case "$line" in
      files | folders | none) kind="$line" ;;
      *) found+=("$line") ;;
    esac
  done < <(flashsloth complete zsh -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  [[ "$PREFIX" == --*=* ]] && compset -P '*='
  (( \${#found} )) && _describe -V flashsloth found
  case "$kind" in
    files) _files ;;
    folders) _files -/ ;;
  esac
}
if [[ $zsh_eval_context == *func ]]; then
  _flashsloth "$@"
else
  compdef _flashsloth flashsloth
fi
`;
