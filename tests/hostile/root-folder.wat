;; tries: to put a file and a folder above its own
;; outcome: Exited
;; prints: held
(if (i32.eqz (call $mkdir (i32.const 3) (i32.const 1176) (i32.const 9))) (then unreachable))
(if (i32.eqz (call $path_open (i32.const 3) (i32.const 0) (i32.const 1176) (i32.const 9)
      (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 0)))
  (then unreachable))
(call $held)
