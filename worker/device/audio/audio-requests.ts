/** The requests of the audio class that our controls answer (UAC 1.0 §5.2): bmRequestType << 8 | bRequest. */
export const SET_CUR_INTERFACE = 0x2101;
export const GET_CUR_INTERFACE = 0xa181;
export const GET_MIN_INTERFACE = 0xa182;
export const GET_MAX_INTERFACE = 0xa183;
export const GET_RES_INTERFACE = 0xa184;
export const SET_CUR_ENDPOINT = 0x2201;
export const GET_CUR_ENDPOINT = 0xa281;
export const GET_MIN_ENDPOINT = 0xa282;
export const GET_MAX_ENDPOINT = 0xa283;
export const GET_RES_ENDPOINT = 0xa284;
