// Which coding of an answer its reader takes (RFC 9110 §12.5.3).

/** Does `accept-encoding` name gzip, with a weight above 0? Who names none, or `*`, gets the text as it is. */
export function takesGzip(field: string | readonly string[] | undefined): boolean {
  for (const part of String(field ?? '').toLowerCase().split(',')) {
    const [coding, ...parameters] = part.split(';').map((text) => text.trim());
    if (coding === 'gzip' || coding === 'x-gzip') return !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
  }
  return false;
}
