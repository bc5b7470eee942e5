/*
 * Loaded before a program (LD_PRELOAD), hides instruction sets from it and from its libraries, so that they choose the kernels
 * that they would choose on a processor without them. The processor is told to fault on CPUID (arch_prctl(2), ARCH_SET_CPUID;
 * inherited by threads, gone after exec, where this file is loaded again), and whoever executes it gets an edited answer.
 * HIDE_INSTRUCTIONS is "amx", or "avx512" for AMX, AVX-512 and what came with it for narrower registers (AVX-VNNI).
 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <cpuid.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

typedef int (*Sigaction)(int, const struct sigaction *, struct sigaction *);

static Sigaction real_sigaction;
/* what the program wants done about its own faults */
static struct sigaction programs;
static int hides_avx512;

#define BIT(n) (1u << (n))

/* Intel's manual, volume 2, CPUID: leaf 7 */
static void edit(unsigned subleaf, unsigned *a, unsigned *b, unsigned *c, unsigned *d) {
  if (subleaf == 0) {
    *d &= ~(BIT(22) | BIT(24) | BIT(25)); /* AMX-BF16, AMX-TILE, AMX-INT8 */
    if (!hides_avx512) return;
    *b &= ~(BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31)); /* F DQ IFMA PF ER CD BW VL */
    *c &= ~(BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14)); /* VBMI VBMI2 VNNI BITALG VPOPCNTDQ */
    *d &= ~(BIT(2) | BIT(3) | BIT(8) | BIT(23)); /* 4VNNIW 4FMAPS VP2INTERSECT FP16 */
  } else if (subleaf == 1) {
    *a &= ~BIT(21); /* AMX-FP16 */
    *d &= ~BIT(8);  /* AMX-COMPLEX */
    if (!hides_avx512) return;
    *a &= ~(BIT(4) | BIT(5) | BIT(23)); /* AVX-VNNI, AVX512-BF16, AVX-IFMA */
    *d &= ~(BIT(4) | BIT(5) | BIT(10) | BIT(19)); /* AVX-VNNI-INT8, AVX-NE-CONVERT, AVX-VNNI-INT16, AVX10 */
  }
}

static void answer_cpuid(greg_t *registers) {
  unsigned leaf = (unsigned)registers[REG_RAX], subleaf = (unsigned)registers[REG_RCX], a, b, c, d;
  syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1);
  __cpuid_count(leaf, subleaf, a, b, c, d);
  syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0);
  if (leaf == 7) edit(subleaf, &a, &b, &c, &d);
  registers[REG_RAX] = a;
  registers[REG_RBX] = b;
  registers[REG_RCX] = c;
  registers[REG_RDX] = d;
  registers[REG_RIP] += 2;
}

static void on_fault(int signal, siginfo_t *info, void *context) {
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  /* a general protection fault, not an access to memory that is not there: so the instruction can be read */
  if (info->si_code == SI_KERNEL) {
    const unsigned char *instruction = (const unsigned char *)registers[REG_RIP];
    if (instruction[0] == 0x0f && instruction[1] == 0xa2) {
      answer_cpuid(registers);
      return;
    }
  }
  if (programs.sa_flags & SA_SIGINFO) {
    programs.sa_sigaction(signal, info, context);
  } else if (programs.sa_handler != SIG_DFL && programs.sa_handler != SIG_IGN) {
    programs.sa_handler(signal);
  } else {
    struct sigaction fatal = {.sa_handler = SIG_DFL};
    real_sigaction(SIGSEGV, &fatal, NULL);
  }
}

/* Node sets and resets handlers of its own as it starts. */
int sigaction(int signal, const struct sigaction *wanted, struct sigaction *former) {
  if (real_sigaction == NULL) real_sigaction = (Sigaction)dlsym(RTLD_NEXT, "sigaction");
  if (signal != SIGSEGV) return real_sigaction(signal, wanted, former);
  if (former != NULL) *former = programs;
  if (wanted != NULL) programs = *wanted;
  return 0;
}

__attribute__((constructor)) static void begin(void) {
  const char *hidden = getenv("HIDE_INSTRUCTIONS");
  if (hidden == NULL) return;
  hides_avx512 = strcmp(hidden, "avx512") == 0;
  real_sigaction = (Sigaction)dlsym(RTLD_NEXT, "sigaction");
  struct sigaction ours = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
  real_sigaction(SIGSEGV, &ours, NULL);
  if (syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0) == 0) return;
  static const char complaint[] = "this processor or kernel cannot hide instructions (no CPUID faulting)\n";
  (void)!write(STDERR_FILENO, complaint, sizeof complaint - 1);
  _exit(1);
}
