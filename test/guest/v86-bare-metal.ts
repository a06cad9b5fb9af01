/**
 * A guest without an operating system: a BIOS of our own, assembled here, that finds one PCI function and makes it interrupt.
 *
 *   reset vector ─► 32-bit mode ─► IDT, PIC, PIRQ routing ─► PCI scan ─► hot loop with IF set ─► report, sleep
 *
 * The hot loop stores to the function's DOORBELL, which raises INTx inside the store; the handler stores to ACK, which lowers
 * it. While it waits for the handler to have run, the loop walks over pages, as a kernel does. Four registers carry a checksum through the loop, so that compiled code has something to lose.
 */

/** The test function's registers, by offset into its BAR. All are 32 bits wide. */
export const REG_DOORBELL = 0x00;
export const REG_ACK = 0x04;
/** The guest reports: what it found in the BAR register, interrupts it counted, its checksum, and that it is done. */
export const REG_BAR = 0x08;
export const REG_COUNT = 0x0c;
export const REG_CHECKSUM = 0x10;
export const REG_DONE = 0x14;
/** A processor exception, or an interrupt that nobody asked for. */
export const REG_FAULT = 0x18;
/** The guest waited for an interrupt that did not come. */
export const REG_STUCK = 0x1c;
/** Raises INTx and lowers it again, while the guest takes no interrupts. */
export const REG_WITHDRAWN = 0x20;

export const VENDOR_ID = 0x1b36;
export const DEVICE_ID = 0x00ff;

const BIOS_SIZE = 0x10000;
const BIOS_BASE = 0xf0000;
const IDT = 0x1000;
const COUNTER = 0x3000;
const STACK = 0x80000;
const INTERRUPT_LINE = 11;
const VECTOR_BASE = 0x20;
const PAGES = 8;

/** Bytes with labels. Mnemonics are in the comments of whoever emits. */
class Assembler {
  readonly bytes: number[] = [];
  readonly #labels = new Map<string, number>();
  readonly #fixups: { readonly at: number; readonly label: string; readonly relative: boolean }[] = [];

  emit(...bytes: number[]): this {
    this.bytes.push(...bytes);
    return this;
  }

  emit32(value: number): this {
    return this.emit(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24);
  }

  label(name: string): this {
    this.#labels.set(name, this.bytes.length);
    return this;
  }

  /** The 32-bit distance from behind these four bytes. */
  relative(label: string): this {
    this.#fixups.push({ at: this.bytes.length, label, relative: true });
    return this.emit32(0);
  }

  absolute(label: string): this {
    this.#fixups.push({ at: this.bytes.length, label, relative: false });
    return this.emit32(0);
  }

  /** mov al, value; out port, al */
  out8(port: number, value: number): this {
    if (port > 0xff) return this.emit(0x66, 0xba, port & 0xff, port >> 8, 0xb0, value, 0xee);
    return this.emit(0xb0, value, 0xe6, port);
  }

  assemble(base: number): Uint8Array {
    const image = Uint8Array.from(this.bytes);
    const view = new DataView(image.buffer);
    for (const { at, label, relative } of this.#fixups) {
      const target = this.#labels.get(label);
      if (target === undefined) throw new Error(`no label ${label}`);
      view.setInt32(at, relative ? target - at - 4 : base + target, true);
    }
    return image;
  }
}

/** The BIOS image of a guest that rings `rounds` times. */
export function bareMetalBios(rounds: number): Uint8Array<ArrayBuffer> {
  const code = new Assembler();
  // 16 bits, at F000:0000
  code.emit(0xfa); // cli
  code.emit(0x2e, 0x66, 0x0f, 0x01, 0x16, 0x00, 0x01); // lgdt cs:[0x100]
  code.emit(0x0f, 0x20, 0xc0); // mov eax, cr0
  code.emit(0x0c, 0x01); // or al, 1
  code.emit(0x0f, 0x22, 0xc0); // mov cr0, eax
  code.emit(0x66, 0xea).absolute("start").emit(0x08, 0x00); // jmp 8:start
  while (code.bytes.length < 0x100) code.emit(0x90);
  code.emit(23, 0).absolute("gdt"); // the GDT's limit and address
  code.emit(0, 0);
  code.label("gdt").emit32(0).emit32(0);
  code.emit32(0x0000ffff).emit32(0x00cf9a00); // 8: code, 4 GiB
  code.emit32(0x0000ffff).emit32(0x00cf9200); // 10: data, 4 GiB

  // 32 bits
  code.label("start");
  code.emit(0x66, 0xb8, 0x10, 0x00); // mov ax, 0x10
  code.emit(0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0); // mov ds, ax; mov es, ax; mov ss, ax
  code.emit(0xbc).emit32(STACK); // mov esp, STACK
  code.emit(0xc7, 0x05).emit32(COUNTER).emit32(0); // mov [COUNTER], 0

  // every vector goes to "fault", ours to "handler"
  code.emit(0xbf).emit32(IDT); // mov edi, IDT
  code.emit(0xb9).emit32(256); // mov ecx, 256
  code.label("gates");
  code.emit(0xb8).absolute("fault"); // mov eax, fault
  code.emit(0x89, 0xc2); // mov edx, eax
  code.emit(0x25).emit32(0xffff); // and eax, 0xffff
  code.emit(0x0d).emit32(0x00080000); // or eax, 8 << 16
  code.emit(0x66, 0xba, 0x00, 0x8e); // mov dx, 0x8e00
  code.emit(0xab, 0x89, 0xd0, 0xab); // stosd; mov eax, edx; stosd
  code.emit(0x49); // dec ecx
  code.emit(0x0f, 0x85).relative("gates"); // jnz gates
  code.emit(0xb8).absolute("handler"); // mov eax, handler
  code.emit(0x66, 0xa3).emit32(IDT + 8 * (VECTOR_BASE + INTERRUPT_LINE)); // mov [gate], ax
  code.emit(0x68).emit32(IDT); // push IDT
  code.emit(0x66, 0x68, 0xff, 0x07); // push word 0x7ff
  code.emit(0x0f, 0x01, 0x1c, 0x24); // lidt [esp]
  code.emit(0x83, 0xc4, 0x06); // add esp, 6

  // both interrupt controllers; only the cascade and our line are open; our line is level-triggered
  code
    .out8(0x20, 0x11)
    .out8(0xa0, 0x11)
    .out8(0x21, VECTOR_BASE)
    .out8(0xa1, VECTOR_BASE + 8);
  code.out8(0x21, 0x04).out8(0xa1, 0x02).out8(0x21, 0x01).out8(0xa1, 0x01);
  code.out8(0x21, 0xfb).out8(0xa1, 0xff & ~(1 << (INTERRUPT_LINE - 8)));
  code.out8(0x4d1, 1 << (INTERRUPT_LINE - 8));

  // the PIIX routes all four PIRQ lines to ours
  code.emit(0x66, 0xba, 0xf8, 0x0c, 0xb8).emit32(0x80000860).emit(0xef); // mov dx, 0xcf8; mov eax, …; out dx, eax
  code.emit(0x66, 0xba, 0xfc, 0x0c, 0xb8).emit32(0x0b0b0b0b).emit(0xef); // mov dx, 0xcfc; mov eax, …; out dx, eax

  // find our function, by its ids
  code.emit(0xbe).emit32(0x80000000); // mov esi, 0x80000000
  code.label("scan");
  code.emit(0x89, 0xf0); // mov eax, esi
  code.emit(0x66, 0xba, 0xf8, 0x0c, 0xef); // mov dx, 0xcf8; out dx, eax
  code.emit(0x66, 0xba, 0xfc, 0x0c, 0xed); // mov dx, 0xcfc; in eax, dx
  code.emit(0x3d).emit32((DEVICE_ID << 16) | VENDOR_ID); // cmp eax, ids
  code.emit(0x0f, 0x84).relative("found"); // je found
  code.emit(0x81, 0xc6).emit32(0x800); // add esi, 1 << 11
  code.emit(0xe9).relative("scan"); // jmp scan
  code.label("found");
  code.emit(0x89, 0xf0, 0x0c, 0x10); // mov eax, esi; or al, 0x10
  code.emit(0x66, 0xba, 0xf8, 0x0c, 0xef); // mov dx, 0xcf8; out dx, eax
  code.emit(0x66, 0xba, 0xfc, 0x0c, 0xed); // mov dx, 0xcfc; in eax, dx
  code.emit(0x24, 0xf0, 0x89, 0xc3); // and al, 0xf0; mov ebx, eax
  code.emit(0x89, 0x43, REG_BAR); // mov [ebx + REG_BAR], eax

  // eax, edx, esi and edi carry the checksum, ecx counts down, ebp counts the interrupts that must have come
  code.emit(0xb9).emit32(rounds); // mov ecx, rounds
  code.emit(0x31, 0xc0, 0x31, 0xd2, 0x31, 0xf6, 0x31, 0xff, 0x31, 0xed); // xor eax, eax; … edx; esi; edi; ebp
  code.emit(0x89, 0x6b, REG_WITHDRAWN); // mov [ebx + REG_WITHDRAWN], ebp
  code.emit(0xfb); // sti
  code.label("ring");
  code.emit(0x01, 0xc8); // add eax, ecx
  code.emit(0x89, 0x0b); // mov [ebx + REG_DOORBELL], ecx
  code.emit(0x31, 0xc2, 0xc1, 0xc2, 0x05); // xor edx, eax; rol edx, 5
  code.emit(0x01, 0xd6, 0x31, 0xf7); // add esi, edx; xor edi, esi
  code.emit(0x45); // inc ebp
  code.emit(0x51, 0xb9).emit32(20_000_000); // push ecx; mov ecx, patience
  code.label("wait");
  code.emit(0x39, 0x2d).emit32(COUNTER); // cmp [COUNTER], ebp
  code.emit(0x0f, 0x83).relative("came"); // jae came
  code.emit(0xe8).relative("page 1"); // call page 1
  code.emit(0x49); // dec ecx
  code.emit(0x0f, 0x85).relative("wait"); // jnz wait
  code.emit(0x89, 0x6b, REG_STUCK); // mov [ebx + REG_STUCK], ebp
  code.emit(0xfa, 0xf4); // cli; hlt
  code.label("came");
  code.emit(0x59, 0x49); // pop ecx; dec ecx
  code.emit(0x0f, 0x85).relative("ring"); // jnz ring
  code.emit(0xfa); // cli
  code.emit(0x01, 0xfa, 0x01, 0xf2, 0x01, 0xc2); // add edx, edi; add edx, esi; add edx, eax
  code.emit(0x89, 0x53, REG_CHECKSUM); // mov [ebx + REG_CHECKSUM], edx
  code.emit(0xa1).emit32(COUNTER); // mov eax, [COUNTER]
  code.emit(0x89, 0x43, REG_COUNT); // mov [ebx + REG_COUNT], eax
  code.emit(0x89, 0x43, REG_DONE); // mov [ebx + REG_DONE], eax
  code.label("sleep");
  code.emit(0xfb, 0xf4, 0xe9).relative("sleep"); // sti; hlt; jmp sleep

  code.label("handler");
  code.emit(0x60); // pushad
  code.emit(0xff, 0x05).emit32(COUNTER); // inc [COUNTER]
  code.emit(0x89, 0x43, REG_ACK); // mov [ebx + REG_ACK], eax
  code.out8(0xa0, 0x20).out8(0x20, 0x20); // end of interrupt, twice
  code.emit(0x61, 0xcf); // popad; iret

  code.label("fault");
  code.emit(0x89, 0x63, REG_FAULT); // mov [ebx + REG_FAULT], esp
  code.emit(0xfa, 0xf4); // cli; hlt

  // a walk over more pages than one piece of compiled code has
  for (let page = 1; page <= PAGES; page++) {
    while (code.bytes.length % 0x1000 !== 0) code.emit(0x90);
    code.label(`page ${page}`);
    if (page < PAGES) code.emit(0xe9).relative(`page ${page + 1}`); // jmp to the next
  }
  code.emit(0xc3); // ret

  const image = new Uint8Array(BIOS_SIZE);
  image.set(code.assemble(BIOS_BASE));
  image.set([0xea, 0x00, 0x00, 0x00, 0xf0], BIOS_SIZE - 16); // jmp f000:0000
  return image;
}

/** What the guest's checksum must be. */
export function checksum(rounds: number): number {
  let [a, d, s, i] = [0, 0, 0, 0];
  for (let round = rounds; round > 0; round--) {
    a = (a + round) | 0;
    d ^= a;
    d = (d << 5) | (d >>> 27);
    s = (s + d) | 0;
    i ^= s;
  }
  return (d + i + s + a) >>> 0;
}
