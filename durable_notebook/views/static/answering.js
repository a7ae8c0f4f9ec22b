// How a view asks the kernel: each request has a number, and its reply says it again.
// Values go in messages and never into the widget's state, which a notebook may keep.

const LATE_MS = 60_000;

/** Give `ask(request)`, which waits for the kernel's reply. */
function asking(model) {
  const waiting = new Map();
  let last = 0;
  model.on("msg:custom", (reply) => {
    waiting.get(reply.number)?.(reply);
    waiting.delete(reply.number);
  });
  return (request) => new Promise((done, failed) => {
    const number = `${Date.now()}-${++last}`;
    const late = setTimeout(() => {
      waiting.delete(number);
      failed(new Error("The kernel has not answered for a minute. What you wrote is still here: send it again."));
    }, LATE_MS);
    waiting.set(number, (reply) => { clearTimeout(late); done(reply); });
    model.send({ ...request, number });
  });
}

/** What a form needs of the kernel for one question. */
function through(ask, key) {
  return {
    async send(fields, answer) {
      const { problems, message, is_sent } = await ask({ do: "answer", key, fields, answer });
      if (!is_sent) throw Object.assign(new Error(message), { problems });
    },
    check: async (fields, answer) => (await ask({ do: "check", key, fields, answer })).problems ?? {},
    paths: async (folder) => (await ask({ do: "paths", key, folder })).paths ?? [],
  };
}
