/** bInterfaceClass, as usb.org numbers the classes. */
export const CLASS_AUDIO = 0x01;
export const CLASS_CDC_CONTROL = 0x02;
export const CLASS_HID = 0x03;
export const CLASS_STORAGE = 0x08;
export const CLASS_HUB = 0x09;
export const CLASS_CDC_DATA = 0x0a;
export const CLASS_VIDEO = 0x0e;
export const CLASS_VENDOR = 0xff;

export const CLASS_WORDS: Readonly<Record<number, string>> = {
  [CLASS_AUDIO]: "audio",
  [CLASS_CDC_CONTROL]: "communications",
  [CLASS_HID]: "HID",
  6: "still image",
  7: "printer",
  [CLASS_STORAGE]: "mass storage",
  [CLASS_HUB]: "hub",
  [CLASS_CDC_DATA]: "communications data",
  11: "smart card",
  [CLASS_VIDEO]: "video",
  224: "wireless",
  239: "miscellaneous",
  254: "application specific",
  [CLASS_VENDOR]: "vendor specific",
};

/** bInterfaceSubClass of audio and of communications. */
export const SUBCLASS_AUDIO_CONTROL = 0x01;
export const SUBCLASS_MIDI_STREAMING = 0x03;
export const SUBCLASS_ACM = 0x02;
export const SUBCLASS_ECM = 0x06;
/** bInterfaceProtocol of a data interface. */
export const PROTOCOL_NTB = 0x01;
/** bInterfaceProtocol of mass storage. */
export const PROTOCOL_BULK_ONLY = 0x50;
export const PROTOCOL_UAS = 0x62;
