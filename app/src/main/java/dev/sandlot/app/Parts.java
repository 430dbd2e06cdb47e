package dev.sandlot.app;

/** The parts of this build. */
public final class Parts implements Programs {
    @Override
    public ServerProgram server() {
        return new Composition();
    }

    @Override
    public Housekeeping housekeeping() {
        return new MachineHousekeeping();
    }
}
