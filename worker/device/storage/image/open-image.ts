/** From where a person said the bytes are to the image. */
import type { ImageSource } from "../../../protocol.ts";
import { type Image, ImageError } from "../image.ts";
import { BlobImage } from "./blob-image.ts";
import { MemoryImage } from "./memory-image.ts";
import { openNodeFile } from "./node-file.ts";
import { openOpfsFile } from "./opfs-file.ts";

/** Rejects with an ImageError. */
export async function openImage(source: ImageSource, readOnly = false): Promise<Image> {
  if ("blob" in source) return new BlobImage(source.blob);
  if ("bytes" in source) return MemoryImage.of(source.bytes, readOnly);
  if ("path" in source) return openNodeFile(source.path, readOnly);
  if ("opfs" in source) return openOpfsFile(source.opfs, source.size, readOnly);
  if ("size" in source) return MemoryImage.blank(source.size, readOnly);
  throw new ImageError("The image must be a blob, bytes, a size, a path or the name of a file of this origin.");
}
