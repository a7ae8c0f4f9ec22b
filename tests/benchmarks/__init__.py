"""What durability costs: our runtime beside the in-memory one, the disk and the peer.

`make bench` runs all of it and writes RESULTS.md. Trust the ratios: the runtimes take
turns (A B C A B C), each measurement is a fresh process on a fresh database, and the
table holds medians. Nothing here asserts a time.

* `workflows`: what is run. It does not know by which runtime.
* `runtimes`: memory (the library's default), ours, peer (llama-agents-dbos).
* `databases`: fresh databases, their size, and how to fill one with finished runs.
* `tasks`, `waiting`: what one process measures. `child` is that process.
* `load`: what a server answers over HTTP. `served` is that server: ours, or the peer's
  on the dbos that it was made for.
* `lab`, `scenarios`: which processes make up a measurement, and what is read from them.
* `tables`: the figures in Markdown. `__main__` puts it together.
"""
