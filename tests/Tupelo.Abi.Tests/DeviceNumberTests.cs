namespace Tupelo.Abi.Tests;

public sealed class DeviceNumberTests
{
    public static TheoryData<uint, uint> Numbers()
    {
        var data = new TheoryData<uint, uint>();
        uint[] parts = [0, 1, 8, 0xFF, 0x100, 0xFFF, 0x1000, 0xFFFFF, 0x100000, 0x7FFFFFFF, 0x80000000, uint.MaxValue];
        foreach (uint major in parts)
        {
            foreach (uint minor in parts)
            {
                data.Add(major, minor);
            }
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Numbers))]
    public void Packing_IsTheHosts_AndGoesBack(uint major, uint minor)
    {
        ulong device = DeviceNumber.Make(major, minor);
        Assert.Equal(HostLibrary.MakeDevice(major, minor), device);
        Assert.Equal(major, DeviceNumber.Major(device));
        Assert.Equal(minor, DeviceNumber.Minor(device));
        Assert.Equal(HostLibrary.Major(device), DeviceNumber.Major(device));
        Assert.Equal(HostLibrary.Minor(device), DeviceNumber.Minor(device));
    }
}
