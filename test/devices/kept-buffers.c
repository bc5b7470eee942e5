/*
 * A Vulkan driver that is another one, DRIVER, but for buffers: none is destroyed before the process ends. llvmpipe up to Mesa 22.3
 * takes every buffer that a descriptor set names into use, also where the shader has no such binding, and so counts references to
 * buffers that were destroyed: it writes into memory that has been freed.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <string.h>

typedef void (*Function)(void);
typedef Function (*Lookup)(void *owner, const char *name);

static Lookup device_lookup;

static void *symbol(const char *name) {
  static void *driver;
  if (driver == NULL) driver = dlopen(DRIVER, RTLD_NOW | RTLD_LOCAL);
  return driver == NULL ? NULL : dlsym(driver, name);
}

static void keep_buffer(void *device, uint64_t buffer, const void *allocator) {
  (void)device, (void)buffer, (void)allocator;
}

static Function of_device(void *device, const char *name) {
  return strcmp(name, "vkDestroyBuffer") == 0 ? (Function)keep_buffer : device_lookup(device, name);
}

int vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version) {
  int (*negotiate)(uint32_t *) = (int (*)(uint32_t *))symbol(__func__);
  return negotiate == NULL ? -3 /* VK_ERROR_INITIALIZATION_FAILED */ : negotiate(version);
}

Function vk_icdGetInstanceProcAddr(void *instance, const char *name) {
  Lookup lookup = (Lookup)symbol(__func__);
  if (lookup == NULL) return NULL;
  Function found = lookup(instance, name);
  if (found == NULL) return NULL;
  if (strcmp(name, "vkDestroyBuffer") == 0) return (Function)keep_buffer;
  if (strcmp(name, "vkGetDeviceProcAddr") != 0) return found;
  device_lookup = (Lookup)found;
  return (Function)of_device;
}

Function vk_icdGetPhysicalDeviceProcAddr(void *instance, const char *name) {
  Lookup lookup = (Lookup)symbol(__func__);
  return lookup == NULL ? NULL : lookup(instance, name);
}
