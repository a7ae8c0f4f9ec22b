#compdef durable-notebook
# Completion of durable-notebook for zsh: source <(durable-notebook completion zsh)
_durable_notebook() {
    local -a found
    local line="${(j: :)words[1,CURRENT]}"
    found=(${(f)"$(durable-notebook completion zsh --line="$line" 2>/dev/null)"})
    compadd -S '' -- ${(M)found:#*=}
    compadd -- ${found:#*=}
}
compdef _durable_notebook durable-notebook
