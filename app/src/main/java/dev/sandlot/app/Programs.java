package dev.sandlot.app;

/** What the commands need from the parts behind them. */
public record Programs(ServerProgram server, Housekeeping housekeeping) {}
