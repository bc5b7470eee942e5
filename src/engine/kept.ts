/** Pictures that are kept when nobody asks about them any more: their features (HD's take 21 MB), and their part of the KV cache. */
export const KEPT_PICTURES = 4;
