/** Two texts of one digest: 24 places with two words that collide in one half, and of all 2²⁴ choices two that collide in the other. Seconds. */
export const forgedTexts = [
  "fi06qvOhyb2q8xBpLZLkHm0n1qh2huHqVwxCeIslJcy6CtQYHjRxpVn89XHW5hKSVVegA9AmhVkpFZTlo5vUFz3dFoPXHCmUYm5PXit1ZXeZokScphGkTZEC",
  "jTiYdGojhVmRhIMnx8Ks6fFOcue3rTKm1NvCeIslJcy6C9MnW8RxpVnQsmab5hKSVVegA9AmhVkFRVX0o5vUFz3dFoPXHCmUYm5PXit1ZXeZokScphGkTZEC",
] as const;
