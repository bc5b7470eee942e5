import { setFlagsFromString } from "node:v8";

/**
 * Keeps V8's nursery in this thread at the size that it has. V8 would double it, up to 32 MB, whenever enough of what is in
 * hand outlives a collection, which comes about late and by chance in a long run and saves nothing there: the garbage of a
 * picture is small and soon dead. A thread that starts sets the factor back (`Heap::ConfigureHeap`): to be called again
 * when all of them run.
 */
export function keepNurserySmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}
