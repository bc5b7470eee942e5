import type { Answer, AskOptions } from "../engine/api.ts";
import type { Call, ToolContext } from "./call.ts";
import { unlessCancelled } from "./model.ts";
import { givenPicture, type PictureArguments } from "./pictures.ts";

/**
 * Asks one question about the picture that a call names; the picture is let go whatever comes of it.
 * @throws as `givenPicture`, the model's loading, and the engine's `encodePicture` and `ask`
 */
export async function askOnce(
  given: PictureArguments,
  options: AskOptions,
  { signal, progress }: Call,
  { places, model }: ToolContext,
): Promise<Answer> {
  const { name, bytes } = await givenPicture(given, places, signal);
  progress.say("waiting for the model");
  const { engine, pictures } = await model.get((message) => progress.say(message), signal);
  const prepared = await engine.preparePicture(bytes, { name });
  progress.say("looking at the picture");
  const picture = await pictures.encode(prepared, { signal });
  try {
    let said = "";
    const onText = (piece: string): void => {
      said += piece;
      progress.say(said);
    };
    const asking = engine.ask(picture, options, { signal, onText });
    asking.catch(() => {});
    return await unlessCancelled(asking, signal);
  } finally {
    await pictures.release(picture).catch(() => {}); // the answer stands
  }
}
