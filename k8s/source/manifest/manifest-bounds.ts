// Bounds of manifests.
import { deepestLevels } from "../objects/extent.ts";

/** Bounds of one manifest file. They cost the control worker only. */
export const manifestBounds = {
  /** One document; of a List over it, one item, and all that is no item. */
  documentBytes: 1024 * 1024,
  fileBytes: 64 * 1024 * 1024,
  /** Documents, and items of Lists over the bound of a document. */
  documents: 100_000,
  /** Problems that are told one by one; the rest is counted. */
  problems: 100,
  /** Values of one document with every alias written out, and the characters of their texts. */
  nodes: 200_000,
  characters: 4 * 1024 * 1024,
  /** Maps and lists inside each other with every alias written out. */
  depth: deepestLevels,
} as const;
