;; tries: to open the memory and the disk of the machine as devices
;; outcome: Exited
;; prints: held
(call $must_not_read (i32.const 1144) (i32.const 8))
(call $must_not_read (i32.const 1160) (i32.const 8))
(call $held)
