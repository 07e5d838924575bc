//! WASM programs for tests, as text. Deterministic, and small enough to be read.

/// What every program here begins with: WASI, a memory, and functions that make attacks short to write.
const PRELUDE: &str = r#"
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (import "wasi_snapshot_preview1" "path_create_directory" (func $mkdir (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_symlink" (func $symlink (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_send" (func $sock_send (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_accept" (func $sock_accept (param i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 64) "out.txt")
  (data (i32.const 128) "done\n")
  (data (i32.const 136) "held\n")
  (data (i32.const 1024) "../../../../../../../etc/passwd")
  (data (i32.const 1072) "/etc/passwd")
  (data (i32.const 1088) "/proc/self/environ")
  (data (i32.const 1112) "/sys/kernel/uevent_seqnum")
  (data (i32.const 1144) "/dev/mem")
  (data (i32.const 1160) "/dev/sda")
  (data (i32.const 1176) "../escape")
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
  ;; Prints `length` bytes from `start`; the error number.
  (func $print (param $start i32) (param $length i32) (result i32)
    (i32.store (i32.const 8) (local.get $start))
    (i32.store (i32.const 12) (local.get $length))
    (call $fd_write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16)))
  ;; Crashes if a file can be opened for reading.
  (func $must_not_read (param $path i32) (param $length i32)
    (if (i32.eqz (call $path_open (i32.const 3) (i32.const 1) (local.get $path) (local.get $length)
          (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 0)))
      (then unreachable)))
  ;; Says that an attack came to nothing, and delivers what was asked for.
  (func $held
    (drop (call $print (i32.const 136) (i32.const 5)))
    (call $save))
  (func $save
    (call $open)
    (if (i32.ne (call $append (i32.const 128) (i32.const 5)) (i32.const 5)) (then unreachable)))
"#;

/// A program with `start` as its body; it has a local `$i`.
pub(crate) fn program(start: &str) -> String {
    format!("(module {PRELUDE} (func (export \"_start\") (local $i i64)\n{start}))")
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

/// Writes its file and ends with an exit code.
pub fn exit_with(code: u8) -> String {
    program(&format!("(call $save) (call $proc_exit (i32.const {code}))"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_is_valid() {
        for text in [burn(1), exit_with(3)] {
            wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        }
    }
}
