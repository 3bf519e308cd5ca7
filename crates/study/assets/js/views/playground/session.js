// A session of the program: told by commands, heard by frames.
import { post } from '/js/api.js';

export class Session {
  // Begins a session. `show` gets each frame, `over` is called when the program has ended it.
  static async begin(settings, show, over, signal) {
    const begun = await post('/api/playground/sessions', settings, signal);
    return new Session(begun, show, over);
  }

  constructor(begun, show, over) {
    this.scene = begun;
    this.path = `/api/playground/sessions/${begun.session}`;
    this.source = new EventSource(`${this.path}/frames`);
    this.source.addEventListener('batch', (event) => {
      if (!this.isOver) show(JSON.parse(event.data));
    });
    const ended = () => {
      if (this.isOver) return;
      this.close();
      over();
    };
    this.source.addEventListener('end', ended);
    // The browser asks again by itself, unless the program has answered that the session is gone.
    this.source.addEventListener('error', () => this.source.readyState === EventSource.CLOSED && ended());
  }

  tell(command, words = {}) {
    return post(`${this.path}/commands`, { command, ...words });
  }

  // The page looks away; the program may end the session.
  close() {
    this.isOver = true;
    this.source.close();
  }

  end() {
    if (this.isOver) return;
    this.close();
    // Where the program is gone, so is the session.
    this.tell('end').catch(() => {});
  }
}
