export interface BadRequestOptions {
  /** What is right instead. @default none */
  readonly hint?: string | undefined;
  /** The field that is wrong, as in `messages[0].content`. @default it is none in particular */
  readonly param?: string | undefined;
  /** What could be read in spite of it. @default nothing */
  readonly known?: KnownOfChat | undefined;
}

/** What could be read of a request that is refused. */
export interface KnownOfChat {
  readonly image?: string | undefined;
  readonly question?: string | undefined;
}

/** Why a request asks nothing that can be answered. */
export class BadRequest extends Error {
  override readonly name = "BadRequest";
  readonly hint: string | undefined;
  readonly param: string | undefined;
  readonly known: KnownOfChat;

  constructor(message: string, { hint, param, known = {} }: BadRequestOptions = {}) {
    super(message);
    this.hint = hint;
    this.param = param;
    this.known = known;
  }
}
