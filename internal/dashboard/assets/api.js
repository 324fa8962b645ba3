// Requests to caller. What it refuses is a Refusal, with every field that is wrong.

class Refusal extends Error {
  constructor(status, document) {
    super(document.errors?.map(({ field, allowed }) => `${field} must be ${allowed}`).join('\n') || document.detail || `caller answered ${status}`);
    this.status = status;
    this.fields = document.errors ?? []; // {field, value, allowed}
    this.body = document;
  }
}

// waitLimit is how long an answer may take before the page says that there is none.
const waitLimit = 10_000;

// unanswered is what is said of a request that caller did not answer, until it is back.
export const unanswered = 'caller does not answer';

export async function request(method, path, document) {
  const options = { method, signal: AbortSignal.timeout(waitLimit) };
  if (document !== undefined) {
    options.headers = { 'Content-Type': 'application/json' };
    options.body = JSON.stringify(document);
  }
  let answer, body;
  try {
    answer = await fetch(path, options);
    body = await answer.json();
  } catch (error) {
    throw new Error(unanswered, { cause: error });
  }
  if (!answer.ok) throw new Refusal(answer.status, body);
  return body;
}

export const get = (path) => request('GET', path);
