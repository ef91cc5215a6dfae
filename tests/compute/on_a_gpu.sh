#!/usr/bin/env bash
# The tests and the benchmark of einsum on a GPU, in at most five minutes:
#
#     PYTHON=.venv/bin/python bash tests/compute/on_a_gpu.sh 2>&1 | tee output.txt
#
# It needs PyTorch for the GPU, opt_einsum, pytest, hypothesis and expecttest, and no network.
# Its status is 0 if all is well and 1 if something failed. Without a GPU it says so, runs on the CPU, which shows only
# that the script itself works, and ends with 2.
set -uo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-python}
status=0

for package in torch opt_einsum pytest hypothesis expecttest; do
  if ! "$python" -c "import $package"; then
    echo "on_a_gpu.sh needs $package: $python -m pip install $package" >&2
    exit 1
  fi
done
if "$python" -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; then
  device=cuda devices="cuda" rows=(--rounds 5 --no-compile)
  checks="cuda and (samples or views or gradcheck or vmap or fake or composite)"
else
  device=cpu devices="two_devices" rows=(--rounds 1 --no-compile --only "iij") checks="cpu and views"
fi
date -u +%F
"$python" - <<'END'
import platform
import torch

name = torch.cuda.get_device_name() if torch.cuda.is_available() else "THERE IS NO GPU: this run says nothing about one"
print(f"{name}; torch {torch.__version__}, CUDA {torch.version.cuda}, Python {platform.python_version()}")
END

# Run a command for at most so many seconds, and remember if it fails.
section() {
  local name=$1 limit=$2
  shift 2
  echo "== $name"
  timeout "$limit" "$@"
  local ended=$?
  if [ "$ended" != 0 ]; then
    echo "== $name: FAILED, status $ended (124: not done after $limit seconds)"
    status=1
  fi
}

# pytest, with this device as the default of torch if it is a GPU, and without the options and fixtures of the project.
tests="import sys, pytest, torch
class Device:
    @pytest.fixture(autouse=True)
    def device_of_all(self):
        if sys.argv[1] != 'cpu':
            torch.set_default_device(sys.argv[1])
options = ['-q', '-rs', '--tb=short', '-c', '/dev/null', '--rootdir', '.', '--noconftest', '-p', 'no:cacheprovider']
options += ['-W', 'ignore::pytest.PytestUnknownMarkWarning']
sys.exit(pytest.main(options + sys.argv[2:], [Device()]))"
folder=tests/compute/contraction

section "devices" 50 "$python" -c "$tests" cpu "$folder/test_devices.py" -k "$devices"
tables=()
for table in inplace tracing dynamic overrides; do
  [ -e "$folder/test_$table.py" ] && tables+=("$folder/test_$table.py") || echo "there is no $folder/test_$table.py"
done
[ ${#tables[@]} = 0 ] || section "tables" 100 "$python" -c "$tests" "$device" "${tables[@]}"
section "OpInfo" 60 "$python" -c "$tests" cpu "$folder/test_opinfo.py" -k "$checks"
section "benchmark" 60 "$python" benchmarks/einsum.py --device "$device" "${rows[@]}"

if [ "$device" = cpu ]; then
  echo "THERE IS NO GPU: this run says nothing about one"
  [ "$status" != 0 ] || status=2
fi
exit "$status"
