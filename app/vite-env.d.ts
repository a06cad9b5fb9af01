/** What Vite makes of imports that are no modules. */
declare module "*.css" {}
/** A hash of the sources: a saved state of the guest belongs to one build. */
declare const __PVUSB_BUILD__: string;
declare module "*?url" {
  const url: string;
  export default url;
}
