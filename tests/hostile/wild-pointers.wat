;; tries: to have the host read and write outside of the program's memory
;; outcome: Exited
;; prints: held
(if (i32.eqz (call $fd_write (i32.const 1) (i32.const -8) (i32.const 1) (i32.const 16))) (then unreachable))
(i32.store (i32.const 8) (i32.const -16))
(i32.store (i32.const 12) (i32.const 4096))
(if (i32.eqz (call $fd_write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16))) (then unreachable))
(if (i32.eqz (call $path_open (i32.const 3) (i32.const 0) (i32.const -4) (i32.const 100)
      (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 0)))
  (then unreachable))
(call $held)
