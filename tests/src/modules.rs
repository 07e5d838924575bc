//! WASM programs for tests, as text. Deterministic, and small enough to be read.

/// What every program here begins with: WASI, a memory, and `$save`, which writes `out.txt`.
const PRELUDE: &str = r#"
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 64) "out.txt")
  (data (i32.const 128) "done\n")
  ;; Opens out.txt in the first preopened folder, for writing; its descriptor then stands at 0.
  (func $open
    (if (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 7)
          (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 0))
      (then unreachable)))
  ;; Writes `length` bytes from `start`; the number of bytes written, or 0 if it was refused.
  (func $append (param $start i32) (param $length i32) (result i32)
    (i32.store (i32.const 8) (local.get $start))
    (i32.store (i32.const 12) (local.get $length))
    (if (result i32) (call $fd_write (i32.load (i32.const 0)) (i32.const 8) (i32.const 1) (i32.const 16))
      (then (i32.const 0))
      (else (i32.load (i32.const 16)))))
  (func $save
    (call $open)
    (if (i32.ne (call $append (i32.const 128) (i32.const 5)) (i32.const 5)) (then unreachable)))
"#;

fn program(start: &str) -> String {
    format!("(module {PRELUDE} (func (export \"_start\") (local $i i64) {start}))")
}

/// Counts to `rounds`, which keeps a processor busy for as long as that takes, then writes `done`.
pub fn burn(rounds: u64) -> String {
    program(&format!(
        "(loop $again
           (local.set $i (i64.add (local.get $i) (i64.const 1)))
           (br_if $again (i64.lt_u (local.get $i) (i64.const {rounds}))))
         (call $save)"
    ))
}

/// Never ends.
pub fn loop_for_ever() -> String {
    program("(loop $again (br $again))")
}

/// Takes memory until it is refused, and then insists.
pub fn eat_memory() -> String {
    program(
        "(loop $again
           (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
         unreachable",
    )
}

/// Writes 64 KiB after 64 KiB for as long as it may.
pub fn write_too_much() -> String {
    program(
        "(call $open)
         (loop $again
           (br_if $again (call $append (i32.const 0) (i32.const 65536))))
         unreachable",
    )
}

/// Writes its file and ends with an exit code.
pub fn exit_with(code: u8) -> String {
    program(&format!("(call $save) (call $proc_exit (i32.const {code}))"))
}

/// Crashes.
pub fn trap() -> String {
    program("unreachable")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_is_valid() {
        for text in [burn(1), loop_for_ever(), eat_memory(), write_too_much(), exit_with(3), trap()] {
            wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        }
    }
}
