# Completion of durable-notebook for bash: source <(durable-notebook completion bash)
_durable_notebook() {
    # Not COMP_WORDS: they break a URL at its colons. What is offered is anybody's text:
    # it is never expanded, and stands on the line as bash has to read it.
    local line=${COMP_LINE:0:COMP_POINT} found word quote before
    before=${line%"$2"}
    COMPREPLY=()
    while IFS= read -r found; do
        case $before in
            *[\'\"]) quote=${before: -1} word=$found
                if [[ $quote == "'" ]]; then word=${word//"'"/"'\''"}
                else for found in '\' '$' '`' '"'; do word=${word//"$found"/"\\$found"}; done; fi
                # Otherwise bash takes the last one for that which it opened.
                [[ $word == *"$quote" ]] && word+=$quote ;;
            *) printf -v word %q "$found"
                # The line keeps what is before the last colon of a word.
                while [[ $word != "$before"* ]]; do before=${before:1}; done
                word=${word#"$before"} ;;
        esac
        COMPREPLY+=("$word")
    done < <(durable-notebook completion bash --line="$line" 2>/dev/null)
    [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    return 0
}
complete -F _durable_notebook durable-notebook
