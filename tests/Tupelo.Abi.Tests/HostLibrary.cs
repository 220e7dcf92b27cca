using System.Runtime.InteropServices;

namespace Tupelo.Abi.Tests;

/// <summary>The host's own C library, as the judge of numbers and texts.</summary>
internal static partial class HostLibrary
{
    [LibraryImport("libc", EntryPoint = "strerror")]
    private static partial nint StrError(int number);

    [LibraryImport("libc", EntryPoint = "strerrorname_np")]
    private static partial nint StrErrorName(int number);

    [LibraryImport("libc", EntryPoint = "gnu_dev_makedev")]
    public static partial ulong MakeDevice(uint major, uint minor);

    [LibraryImport("libc", EntryPoint = "gnu_dev_major")]
    public static partial uint Major(ulong device);

    [LibraryImport("libc", EntryPoint = "gnu_dev_minor")]
    public static partial uint Minor(ulong device);

    /// <summary>"No such file or directory".</summary>
    public static string? ErrorText(int number) => Marshal.PtrToStringUTF8(StrError(number));

    /// <summary>"ENOENT", or null for a number that means nothing.</summary>
    public static string? ErrorName(int number) => Marshal.PtrToStringUTF8(StrErrorName(number));
}
