;; tries: to read the machine's users by climbing out of its folder
;; outcome: Exited
;; prints: held
(call $must_not_read (i32.const 1024) (i32.const 31))
(call $held)
