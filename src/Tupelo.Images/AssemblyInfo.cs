// Blittable calls only: ahead-of-time compiled code can then make them directly.
[assembly: System.Runtime.CompilerServices.DisableRuntimeMarshalling]
