// Remembers something from run to run: the gate on statics must find it.
int calls() {
  static int calls_so_far = 0;
  return ++calls_so_far;
}
