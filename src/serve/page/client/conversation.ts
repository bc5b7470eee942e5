import type { AttentionBody } from "../../attention.ts";
import { made, page } from "./elements.ts";
import type { Answer, Said } from "./server.ts";

/** One question, and its answer as far as it is there. */
export class Turn {
  readonly question: string;
  answer = "";
  attention: AttentionBody | undefined;
  readonly #item: HTMLLIElement = document.createElement("li");
  readonly #said: HTMLParagraphElement;
  readonly #notes: HTMLDivElement = made("div", "notes");
  /** shows this turn's map, where it has one */
  readonly #look: HTMLButtonElement = made("button", "", "Where it looked");

  /** @param onLook called when this turn's map is asked for */
  constructor(question: string, onLook: (turn: Turn) => void) {
    this.question = question;
    this.#said = made("p", "answered");
    this.#said.ariaBusy = "true";
    this.#item.className = "turn";
    this.#look.type = "button";
    this.#look.addEventListener("click", () => onLook(this));
    const asked = made("p", "asked", question);
    asked.prepend(made("span", "unheard", "You: "));
    this.#item.append(asked, this.#said, this.#notes);
    page.turns.append(this.#item);
    this.bringIntoView();
  }

  /** New text of the answer. */
  say(piece: string): void {
    this.answer += piece;
    this.#said.textContent = this.answer;
    this.bringIntoView();
  }

  /** The answer is whole. */
  end({ finish, attention }: Answer): void {
    this.attention = attention;
    this.#settle(finish === "length" ? "cut off: it was too long" : "");
    if (attention !== undefined) this.#notes.append(this.#look);
  }

  /** The answer ended before it was whole; what was said stays. @returns whether anything was */
  stop(note: string): boolean {
    if (this.answer === "") this.#item.remove();
    else this.#settle(note);
    return this.answer !== "";
  }

  bringIntoView(): void {
    this.#item.scrollIntoView({ block: "nearest" });
  }

  /** Whether this turn's map is the one that is shown. */
  set looking(shown: boolean) {
    this.#look.ariaPressed = String(shown);
  }

  #settle(note: string): void {
    this.#said.ariaBusy = "false";
    if (note !== "") this.#notes.append(made("span", "", note));
  }
}

/** What was asked and answered about one picture. */
export class Conversation {
  readonly #turns: Turn[] = [];

  get history(): readonly Said[] {
    return this.#turns.map(({ question, answer }) => ({ question, answer }));
  }

  /** Keeps a turn that has an answer, for those that follow. */
  keep(turn: Turn): void {
    this.#turns.push(turn);
  }

  /** Marks the turn whose map is shown. */
  mark(looking: Turn | undefined): void {
    for (const turn of this.#turns) turn.looking = turn === looking;
  }

  /** Begins anew. */
  clear(): void {
    this.#turns.length = 0;
    page.turns.replaceChildren();
  }
}
