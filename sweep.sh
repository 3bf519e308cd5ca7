export CARGO_TARGET_DIR=/tmp/w/target-conv-ab
cargo build --release 2>&1 | grep -E "^(error|warning)" -A9
A=/tmp/w/target-conv-ab/release/ab
$A "d2:64>128/14k4s2 dX,d1:1>64/28k4s2 dX" 1 9 0.03
CORR=1 $A "d1:1>64/28k4s2 dW" 12 9 0.03
COLD=6 CORR=1 $A "d2:,d1:1" 12 7 0.04
COLD=6 $A "bn" 1 7 0.02
