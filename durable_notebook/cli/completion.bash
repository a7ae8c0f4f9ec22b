# Completion of durable-notebook for bash: source <(durable-notebook completion bash)
_durable_notebook() {
    # Not COMP_WORDS: they break a URL at its colons.
    local line=${COMP_LINE:0:COMP_POINT} IFS=$'\n'
    COMPREPLY=($(durable-notebook completion bash --line="$line" 2>/dev/null))
    [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    return 0
}
complete -F _durable_notebook durable-notebook
