import { Conversation, Turn } from "./conversation.ts";
import { announce, page } from "./elements.ts";
import { prepareMap, showMap } from "./map.ts";
import { listenForPictures, showPicture, type Chosen } from "./picture.ts";
import { ask, Refusal, servedModel, useKey } from "./server.ts";

const conversation = new Conversation();
let model = "";
let picture: Chosen | undefined;
/** the turn whose map is to be seen, where maps are */
let looking: Turn | undefined;
/** ends the answer that is under way */
let asking: AbortController | undefined;
/** The model's folder has no graph that tells where it looked. */
let blind = false;

function trouble(message: string): void {
  page.trouble.hidden = message === "";
  page.trouble.textContent = message;
}

function told(error: unknown): string {
  if (error instanceof Refusal) return error.message;
  return "The server does not answer. Is flashsloth serve still running?";
}

/** Shows the field for the key where that is what is wrong. */
function explain(error: unknown): void {
  const keyless = error instanceof Refusal && error.status === 401;
  page.keyForm.hidden = !keyless;
  trouble(keyless && page.key.value === "" ? "" : told(error));
  if (keyless) page.key.focus();
}

async function connect(): Promise<void> {
  try {
    model = await servedModel();
    page.model.textContent = model;
    page.model.hidden = false;
    page.keyForm.hidden = true;
    trouble("");
  } catch (error) {
    explain(error);
  }
}

function take(chosen: Chosen): void {
  asking?.abort();
  picture = chosen;
  conversation.clear();
  look(undefined);
  trouble("");
  showPicture(chosen);
  page.looked.hidden = blind;
  page.question.focus();
}

/** Shows the map of a turn, where maps are to be seen. */
function look(turn: Turn | undefined): void {
  looking = turn;
  const shown = page.mapOn.checked ? turn : undefined;
  conversation.mark(shown);
  showMap(shown?.attention);
}

function busy(controller: AbortController | undefined): void {
  asking = controller;
  page.send.disabled = controller !== undefined;
  page.stop.hidden = controller === undefined;
}

async function submit(): Promise<void> {
  const question = page.question.value.trim();
  if (asking !== undefined) return;
  if (picture === undefined) {
    trouble("Choose a picture first.");
    page.choose.focus();
    return;
  }
  if (question === "") {
    page.question.focus();
    return;
  }
  trouble("");
  page.question.value = "";
  if (model === "") await connect();
  await answer(question, picture.uri);
}

async function answer(question: string, uri: string): Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  busy(controller);
  const turn = new Turn(question, (clicked) => {
    page.mapOn.checked = true;
    look(clicked);
  });
  try {
    const { history } = conversation;
    const asked = {
      model,
      picture: uri,
      history,
      question,
      signal,
      onText: (piece: string) => turn.say(piece),
    };
    const answered = await ask({ ...asked, explain: page.mapOn.checked && !blind }).catch(
      async (error: unknown) => {
        if (!(error instanceof Refusal) || error.param !== "explain") throw error;
        blind = true;
        page.looked.hidden = true;
        return ask({ ...asked, explain: false });
      },
    );
    turn.end(answered);
    conversation.keep(turn);
    if (answered.attention !== undefined) look(turn);
    turn.bringIntoView(); // the map took its place above
  } catch (error) {
    const kept = turn.stop(signal.aborted ? "stopped" : "broken off");
    if (kept && picture?.uri === uri) conversation.keep(turn);
    if (signal.aborted) announce("Stopped.");
    else {
      explain(error);
      if (!kept) page.question.value = question;
    }
  } finally {
    if (asking === controller) busy(undefined);
  }
}

listenForPictures({ onPicture: take, onTrouble: trouble });
prepareMap();
page.mapOn.addEventListener("change", () => {
  look(looking);
  if (page.mapOn.checked && looking === undefined && page.turns.childElementCount > 0) {
    announce("The next answer will show where the model looked.");
  }
});
page.ask.addEventListener("submit", (event) => {
  event.preventDefault();
  void submit();
});
page.question.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  page.ask.requestSubmit();
});
page.stop.addEventListener("click", () => {
  asking?.abort();
  page.question.focus();
});
page.keyForm.addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(page.key.value.trim());
  void connect().then(() => (page.keyForm.hidden ? page.question.focus() : undefined));
});
await connect();
