import { readFile } from "node:fs/promises";
import { FlashSlothError, messageOf } from "../../core/errors.ts";
import type { ServeFlags } from "../commands/serve.ts";

const VARIABLE = "FLASHSLOTH_API_KEY";

/** The key that clients must send, from an option, a file or the environment. @throws `usage` */
export async function apiKeyOf(
  { apiKey, apiKeyFile }: Pick<ServeFlags, "apiKey" | "apiKeyFile">,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  if (apiKey !== undefined && apiKeyFile !== undefined) {
    throw new FlashSlothError("usage", "--api-key and --api-key-file both give a key: give one of them");
  }
  const key = apiKeyFile === undefined ? (apiKey ?? env[VARIABLE]) : await readKey(apiKeyFile);
  if (key === undefined || key === "") return undefined;
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new FlashSlothError(
    "usage",
    "the API key has white space or other characters that no header carries",
    {
      hint: "make one with: openssl rand -hex 32",
    },
  );
}

async function readKey(file: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new FlashSlothError("usage", `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  const key = text.trim();
  if (key === "") throw new FlashSlothError("usage", `there is no key in ${file}`);
  return key;
}

/** Origins as browsers write them. @throws `usage` */
export function checkedOrigins(origins: readonly string[] = []): readonly string[] {
  for (const origin of origins) {
    if (URL.canParse(origin) && new URL(origin).origin === origin) continue;
    throw new FlashSlothError("usage", `${origin} is no origin`, {
      hint: "write a scheme, a name, and a port where there is one, and nothing behind: https://example.org",
    });
  }
  return origins;
}
