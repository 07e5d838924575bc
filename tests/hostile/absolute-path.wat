;; tries: to read the machine's users by their full path
;; outcome: Exited
;; prints: held
(call $must_not_read (i32.const 1073) (i32.const 10))
(call $must_not_read (i32.const 1072) (i32.const 11))
(call $held)
