import { stat } from "node:fs/promises";
import type { WriteStream } from "node:tty";
import { Conversation } from "../chat/conversation.ts";
import { isAddress } from "../chat/paths.ts";
import { Transcript } from "../chat/transcript.ts";
import { FlashSlothError } from "../core/errors.ts";
import type { EngineHandle } from "../engine/api.ts";
import { beginEngine } from "../engine/client.ts";
import { pathError } from "../image/source.ts";
import { PictureFetcher } from "../addresses/fetch.ts";
import { storePaths } from "../store/home.ts";
import { resolveModel, type ResolvedModel } from "../store/resolve.ts";
import { Dialogue } from "./chat/dialogue.ts";
import { chatFromPipe } from "./chat/from-pipe.ts";
import { chatOnTerminal } from "./chat/on-terminal.ts";
import { lineVoice, streamedVoice } from "./chat/voice.ts";
import type { ChatFlags } from "./commands/chat.ts";
import { deviceOptions } from "./devices.ts";
import { noteOnModel, resolveOptions } from "./resolve-options.ts";
import { runCommand, type CommandContext } from "./run-command.ts";

const GREETING = "/help lists the commands, Ctrl-D leaves";

/** `chat`: a conversation about a picture, on a terminal or through pipes. */
export async function chat(image: string | undefined, flags: ChatFlags): Promise<void> {
  await checkImage(image);
  await runCommand({ flags }, async (context) => {
    const { terminal, interrupts, signal } = context;
    const model = await resolveModel(resolveOptions(flags, context));
    noteOnModel(model, terminal);
    const fetcher = new PictureFetcher();
    const engine = begin(model, flags);
    interrupts.immediate = true; // nothing that Ctrl-C could spoil
    try {
      terminal.status(`loading ${model.name}`);
      await engine.ready();
      terminal.clear();
      const screen = screenOf(process.stdin);
      const dialogue = open({ context, model, engine, fetcher, flags, onTerminal: screen !== undefined });
      if (image !== undefined) await dialogue.look(image, signal);
      interrupts.immediate = false;
      if (screen === undefined) return await chatFromPipe({ context, dialogue });
      terminal.note(image === undefined ? `give a picture's path or URL; ${GREETING}` : GREETING);
      return await chatOnTerminal({ context, dialogue, input: process.stdin, screen });
    } finally {
      terminal.clear();
      await fetcher.close().catch(() => {});
      await engine.dispose();
    }
  });
}

/** What can be told before a model is loaded. @throws `usage`, `image-not-found`, `image-unreadable` */
async function checkImage(image: string | undefined): Promise<void> {
  if (image === undefined || isAddress(image)) return;
  if (image === "-") {
    throw new FlashSlothError("usage", "standard input has what is asked, and cannot be the picture", {
      hint: "give the picture's path or URL",
    });
  }
  try {
    await stat(image);
  } catch (error) {
    throw pathError(image, error);
  }
}

/** A conversation may need the model's whole context, and asks one question at a time. */
function begin(model: ResolvedModel, flags: ChatFlags): EngineHandle {
  const { threads, cache, cacheSize } = flags;
  const { prompts, features, prefixes } = storePaths();
  return beginEngine({
    directory: model.directory,
    ...deviceOptions(flags),
    threads,
    parallel: 1,
    promptCache: prompts,
    pictureCache: cache ? { features, prefixes, maxBytes: cacheSize } : undefined,
  });
}

interface DialogueOptions {
  readonly context: CommandContext;
  readonly model: ResolvedModel;
  readonly engine: EngineHandle;
  readonly fetcher: PictureFetcher;
  readonly flags: ChatFlags;
  readonly onTerminal: boolean;
}

function open(options: DialogueOptions): Dialogue {
  const { context, model, engine, fetcher, flags, onTerminal } = options;
  const { maxTokens, temperature, topP, seed, embq, timeout } = flags;
  const timeoutMs = timeout === undefined ? undefined : timeout * 1000;
  const settings = { maxTokens, temperature, topP, seed, embq, timeoutMs };
  return new Dialogue({
    terminal: context.terminal,
    engine,
    conversation: new Conversation({ model: engine, ...settings }),
    transcript: new Transcript(model.name),
    fetcher,
    voice: onTerminal ? streamedVoice(context.output) : lineVoice(context.output),
    maxTokens,
    timeoutMs,
    color: flags.color,
    keepsPicture: onTerminal,
  });
}

/** Where prompt and lines are shown: not among the answers, if that can be. @returns undefined where nobody types */
function screenOf(stdin: NodeJS.ReadStream): WriteStream | undefined {
  if (!stdin.isTTY) return undefined;
  const { stderr, stdout } = process;
  if (stderr.isTTY) return stderr;
  return stdout.isTTY ? stdout : undefined;
}
