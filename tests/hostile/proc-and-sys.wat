;; tries: to read the agent's environment, where keys may stand, and what the machine tells of itself
;; outcome: Exited
;; prints: held
(call $must_not_read (i32.const 1088) (i32.const 18))
(call $must_not_read (i32.const 1112) (i32.const 25))
(call $held)
