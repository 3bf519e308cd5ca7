// Work that takes longer than a page waits: begun, looked at until it is done, ended when it is no longer wanted.
import { get, post } from '/js/api.js';

const EVERY = 120;

// What came of work of a kind on a run. `say` is told in words what is being done, `show` what there is so far.
export async function work(run, kind, wanted, { signal, say, show = () => {} }) {
  const { work: number } = await post(`/api/latent/runs/${run}/work/${kind}`, wanted, signal);
  try {
    for (;;) {
      const told = await get(`/api/latent/work/${number}`, signal);
      if (told.partial) show(told.partial);
      if (told.error) throw new Error(told.error);
      if (told.result !== undefined) return told.result;
      say(`${told.stage}${told.of ? `: ${told.done} of ${told.of}` : ''} …`);
      await new Promise((done) => setTimeout(done, EVERY));
    }
  } catch (error) {
    // It may have ended by itself.
    if (error.name === 'AbortError') post(`/api/latent/work/${number}/end`, {}).catch(() => {});
    throw error;
  }
}
