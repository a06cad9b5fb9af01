// AssemblyScript's integer types, for tsc's reading of layout.ts.
declare type u32 = number;
declare type i32 = number;
