# Completion of durable-notebook for fish: durable-notebook completion fish | source
complete -c durable-notebook -f -a '(durable-notebook completion fish --line=(commandline -cp | string collect) 2>/dev/null)'
