;; tries: nothing; it fails as programs do, which is a result and paid as any other
;; outcome: Exited
;; exit: 3
(call $save)
(call $proc_exit (i32.const 3))
