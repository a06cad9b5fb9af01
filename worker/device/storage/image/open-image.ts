/** From where a person said the bytes are to the image. */
import type { ImageSource } from "../../../protocol.ts";
import { type Image, ImageError } from "../image.ts";
import { BlobImage } from "./blob-image.ts";
import { CopyOnWriteImage } from "./copy-on-write-image.ts";
import { MemoryImage } from "./memory-image.ts";
import { openNodeFile } from "./node-file.ts";
import { openOpfsFile } from "./opfs-file.ts";

/** Rejects with an ImageError. */
export async function openImage(source: ImageSource, readOnly = false): Promise<Image> {
  if ("blob" in source) return beside(new BlobImage(source.blob), source.writes, readOnly);
  if ("bytes" in source) return MemoryImage.of(source.bytes, readOnly, source.size);
  if ("path" in source) {
    const { path, writes } = source;
    return beside(await openNodeFile(path, readOnly || writes === "memory"), writes, readOnly);
  }
  if ("opfs" in source) return openOpfsFile(source.opfs, source.size, readOnly);
  if ("size" in source) return MemoryImage.blank(source.size, readOnly);
  throw new ImageError("The image must be a blob, bytes, a size, a path or the name of a file of this origin.");
}

/** What is written is kept beside the image, if that is wanted. */
function beside(image: Image, writes: "memory" | undefined, readOnly: boolean): Image {
  return writes === "memory" && !readOnly ? new CopyOnWriteImage(image) : image;
}
