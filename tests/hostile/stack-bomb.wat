;; tries: to use up the stack of the agent's thread
;; outcome: Trapped
;; says: call stack exhausted
(module (memory (export "memory") 1) (func $again (export "_start") (call $again)))
