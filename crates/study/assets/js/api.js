// Requests to the program. An answer that is an error becomes an exception with the program's message.

export async function get(path, signal) {
  return answer(await fetch(path, { signal }));
}

export async function post(path, value, signal) {
  const headers = { 'content-type': 'application/json' };
  return answer(await fetch(path, { method: 'POST', headers, body: JSON.stringify(value), signal }));
}

async function answer(response) {
  const text = await response.text();
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`the program answered with something else than JSON (status ${response.status})`);
  }
  if (!response.ok) throw new Error(value.error ?? `status ${response.status}`);
  return value;
}
